// MCP's TypeScript client: all that it gets to see of a server in one visit. Asked: {url, key?, asks}, the last
// for whether tools are called of which the server asks back.

const ASKING = ["borrow", "summarise"];
const CALLS = [
  ["search", { words: "Kafka" }],
  ["book", { number: "1" }],
  ["book", { number: "99" }],
  ["stocktake", { shelves: 3 }],
  ["borrow", { number: "2" }],
  ["summarise", { number: "3" }],
  ["test_tool_with_logging", {}],
  ["test_multiple_content_types", {}],
  ["no_such_tool", {}],
];

export function visits(install) {
  const { Client } = install("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = install("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const types = install("@modelcontextprotocol/sdk/types.js");
  return async ({ url, key, asks }) => {
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    const client = new Client(
      { name: "visitor", version: "1.0.0" },
      { capabilities: { elicitation: {}, sampling: {} } },
    );
    const heard = listening(client, types);
    await client.connect(transport);
    try {
      return { ...(await seen(client, transport, heard, asks)), ...heard };
    } finally {
      await transport.terminateSession();
      await client.close();
    }
  };
}

// What a client's program gets of a door that does not let it in.
export function refused(install) {
  const { Client } = install("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = install("@modelcontextprotocol/sdk/client/streamableHttp.js");
  return async ({ url }) => {
    const client = new Client({ name: "visitor", version: "1.0.0" });
    try {
      await client.connect(new StreamableHTTPClientTransport(new URL(url)));
      return {};
    } catch ({ code, message }) {
      return { code, message };
    }
  };
}

function listening(client, types) {
  const heard = { progress: [], asked: [], logs: [] };
  client.setRequestHandler(types.ElicitRequestSchema, ({ params }) => {
    heard.asked.push(params.message);
    return { action: "accept", content: { name: "Ann" } };
  });
  client.setRequestHandler(types.CreateMessageRequestSchema, ({ params }) => {
    heard.asked.push(params.messages[0].content.text);
    return { role: "assistant", model: "m", content: { type: "text", text: "It is about waiting." } };
  });
  client.setNotificationHandler(types.LoggingMessageNotificationSchema, ({ params }) => {
    heard.logs.push(params.data);
  });
  return heard;
}

async function seen(client, transport, heard, asks) {
  const found = {
    server: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    hasSession: transport.sessionId !== undefined,
    tools: await client.listTools(),
    prompts: await client.listPrompts(),
    resources: await client.listResources(),
  };
  for (const [name, given] of CALLS) {
    if (ASKING.includes(name) && !asks) continue;
    found[`${name} ${JSON.stringify(given)}`] = await outcome(client, name, given, heard);
  }
  found.rules = await client.readResource({ uri: "library://rules" });
  found.prompt = await client.getPrompt({ name: "recommend", arguments: { mood: "tired" } });
  return found;
}

async function outcome(client, name, given, heard) {
  const onprogress = (progress) => heard.progress.push(progress);
  try {
    return await client.callTool({ name, arguments: given }, undefined, { onprogress });
  } catch (error) {
    return { class: error.constructor.name, code: error.code, message: error.message };
  }
}
