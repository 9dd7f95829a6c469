// The official Node clients, driven from outside: a line of JSON in for each thing to ask, a line out for each
// answer, in the same order. `node main.mjs FOLDER`, where FOLDER has them installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { asks } from "./asking.mjs";
import { refused, visits } from "./visiting.mjs";

const install = createRequire(`${process.argv[2]}/package.json`);
const doors = { ...asks(install), mcp: visits(install), "mcp refused": refused(install) };

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const said = await doors[asked.client](asked);
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
