// OpenAI's and Anthropic's clients: what an application gets of one call, its events, its errors.
//
// Asked: {client, url, key, call: "messages.create", given: [arguments], final?: a stream's last word,
// options?: of the client}. Said: {value} or {events, final?} or either with {error}.

export function asks(install) {
  const { OpenAI } = install("openai");
  const { Anthropic } = install("@anthropic-ai/sdk");
  const made = (kind) => ({ url, key, options }) => new kind({ baseURL: url, apiKey: key, ...options });
  return { openai: asking(made(OpenAI)), anthropic: asking(made(Anthropic)) };
}

function asking(made) {
  return async (asked) => {
    const said = {};
    try {
      await called(made(asked), asked, said);
    } catch (error) {
      said.error = described(error);
    }
    return said;
  };
}

async function called(client, { call, given, final }, said) {
  const path = call.split(".");
  const method = path.pop();
  const holder = path.reduce((within, name) => within[name], client);
  const pending = holder[method](...given);
  const answer = final ? pending : await pending;
  if (!answer?.[Symbol.asyncIterator]) {
    said.value = answer;
    return;
  }
  said.events = [];
  for await (const event of answer) said.events.push(structuredClone(event));
  if (final) said.final = await answer[final]();
}

function described(error) {
  const { status, code, type, error: body, message, requestID } = error;
  const header = (name) => error.headers?.get?.(name) ?? null;
  return {
    class: error.constructor.name,
    status,
    code,
    type,
    body,
    message,
    requestID,
    retryAfter: header("retry-after"),
    shouldRetry: header("x-should-retry"),
    penstockCode: header("x-penstock-code"),
    cause: error.cause ? String(error.cause.message) : undefined,
  };
}
