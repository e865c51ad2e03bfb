// OpenAI's own client for Node, and the AI SDK with its providers of both of OpenAI's APIs.
//
// It is read from stdin, so that its packages are those of the folder it runs in.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const { MODEL, QUESTION, OPENAI_BASE_URL } = process.env;
const ALIAS = `${MODEL}:cot_decoding`;
const FIELD = { decoding: { strategy: "cot_decoding" } };
const BAD_FIELD = { decoding: { strategy: "nope" } };
const MAX_TOKENS = 120;
const FREQUENCY_PENALTY = 2; // see ways.py
const messages = [{ role: "user", content: QUESTION }];
const flag = z.object({ sure: z.boolean() });

const reply = (text, finishReason, outputTokens, report) => ({
  text,
  finish_reason: finishReason,
  output_tokens: outputTokens,
  answer: report?.answer ?? null,
});

// OpenAI's client

const client = new OpenAI({ maxRetries: 0 });

const ofChat = ({ choices: [choice], usage, decoding }) =>
  reply(choice.message.content, choice.finish_reason, usage.completion_tokens, decoding);

const ofResponse = ({ output_text: text, status, usage, decoding }) =>
  reply(text, status, usage.output_tokens, decoding);

const asked = (model, extra) => ({ model, messages, temperature: 0, max_tokens: MAX_TOKENS, ...extra });

const chat = async (model, extra) => ofChat(await client.chat.completions.create(asked(model, extra)));

async function chatStream(model, extra) {
  const stream_options = { include_usage: true };
  const stream = client.chat.completions.stream({ ...asked(model, extra), stream_options });
  const deltas = [];
  stream.on("content", (delta) => deltas.push(delta));
  const final = ofChat(await stream.finalChatCompletion());
  if (deltas.join("") !== final.text) throw new Error(`deltas: ${deltas.join("")}`);
  return final;
}

const respond = async (model, extra) =>
  ofResponse(await client.responses.create({ model, input: QUESTION, temperature: 0, ...extra }));

async function responseStream(model, extra) {
  const stream = client.responses.stream({ model, input: QUESTION, temperature: 0, ...extra });
  return ofResponse(await stream.finalResponse());
}

async function callTool() {
  const parameters = z.toJSONSchema(flag);
  const completion = await client.chat.completions.create({
    ...asked(MODEL, { frequency_penalty: FREQUENCY_PENALTY }),
    tools: [{ type: "function", function: { name: "add", strict: true, parameters } }],
    tool_choice: "required",
  });
  const [call] = completion.choices[0].message.tool_calls;
  return { name: call.function.name, arguments: JSON.parse(call.function.arguments) };
}

// The AI SDK

const compatible = createOpenAICompatible({
  name: "winnow",
  baseURL: OPENAI_BASE_URL,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const { chat: openaiChat, responses: openaiResponses } = createOpenAI();
globalThis.AI_SDK_LOG_WARNINGS = false;

const settings = (model, extra) => ({
  model,
  prompt: QUESTION,
  temperature: 0,
  maxOutputTokens: MAX_TOKENS,
  maxRetries: 0,
  providerOptions: { winnow: extra ?? {} },
});

async function generate(model, extra) {
  const { text, finishReason, usage, response } = await generateText(settings(model, extra));
  return reply(text, finishReason, usage.outputTokens, response.body.decoding);
}

async function generateStream(model, extra) {
  let report, failure;
  const result = streamText({
    ...settings(model, extra),
    includeRawChunks: true,
    onError: ({ error }) => (failure = error),
  });
  const deltas = [];
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") deltas.push(part.text);
    if (part.type === "raw") report = part.rawValue.decoding ?? part.rawValue.response?.decoding;
  }
  if (failure) throw failure;
  const { outputTokens } = await result.usage;
  return reply(deltas.join(""), await result.finishReason, outputTokens, report);
}

async function generateCall(model) {
  const add = tool({ description: "Add two numbers.", inputSchema: flag, strict: true });
  const { toolCalls } = await generateText({
    ...settings(model, { frequency_penalty: FREQUENCY_PENALTY }),
    frequencyPenalty: FREQUENCY_PENALTY,
    tools: { add },
    toolChoice: "required",
  });
  return { name: toolCalls[0].toolName, arguments: toolCalls[0].input };
}

async function generateObject(model) {
  const output = Output.object({ schema: flag });
  return { value: (await generateText({ ...settings(model), output })).output };
}

const ways = {
  openai_node: {
    plain: () => chat(MODEL),
    alias: () => chat(ALIAS),
    field: () => chat(MODEL, FIELD),
    plain_stream: () => chatStream(MODEL),
    alias_stream: () => chatStream(ALIAS),
    field_stream: () => chatStream(MODEL, FIELD),
    plain_response: () => respond(MODEL),
    alias_response: () => respond(ALIAS),
    field_response: () => respond(MODEL, FIELD),
    alias_response_stream: () => responseStream(ALIAS),
    field_response_stream: () => responseStream(MODEL, FIELD),
    bad: () => chat(MODEL, BAD_FIELD),
    bad_stream: () => chatStream(MODEL, BAD_FIELD),
    bad_response: () => respond(MODEL, BAD_FIELD),
    tool: callTool,
  },
  ai_sdk_compatible: {
    plain: () => generate(compatible(MODEL)),
    alias: () => generate(compatible(ALIAS)),
    field: () => generate(compatible(MODEL), FIELD),
    plain_stream: () => generateStream(compatible(MODEL)),
    alias_stream: () => generateStream(compatible(ALIAS)),
    field_stream: () => generateStream(compatible(MODEL), FIELD),
    bad: () => generate(compatible(MODEL), BAD_FIELD),
    bad_stream: () => generateStream(compatible(MODEL), BAD_FIELD),
    tool: () => generateCall(compatible(MODEL)),
    structured: () => generateObject(compatible(MODEL)),
  },
  ai_sdk_openai: {
    plain: () => generate(openaiChat(MODEL)),
    alias: () => generate(openaiChat(ALIAS)),
    plain_stream: () => generateStream(openaiChat(MODEL)),
    alias_stream: () => generateStream(openaiChat(ALIAS)),
    plain_response: () => generate(openaiResponses(MODEL)),
    alias_response: () => generate(openaiResponses(ALIAS)),
    alias_response_stream: () => generateStream(openaiResponses(ALIAS)),
    tool: () => generateCall(openaiChat(MODEL)),
    structured: () => generateObject(openaiChat(MODEL)),
    structured_response: () => generateObject(openaiResponses(MODEL)),
  },
};

const told = ({ constructor, name, message, status, statusCode, param, data }) => ({
  error: constructor.name === "Error" ? name : constructor.name,
  message,
  status: status ?? statusCode ?? null,
  param: param ?? data?.error?.param ?? null,
});

const replies = {};
for (const [clientName, itsWays] of Object.entries(ways)) {
  replies[clientName] = {};
  for (const [name, ask] of Object.entries(itsWays)) {
    replies[clientName][name] = await ask().catch(told);
  }
}
console.log(JSON.stringify(replies));
