/**
 * A backend for looking at the pages: serves the built app, the HTTP surface and the websocket, with scripted calls that
 * play as if they were live. For development only; any user name and password sign in.
 *
 *   node dev/mock-server.mjs [port]
 *
 * POST /mock/cut closes every websocket, POST /mock/gap makes the next live event go missing,
 * POST /mock/clear forgets every call.
 */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { Board } from "./board.mjs";
import { wavOf } from "./wav.mjs";

const port = Number(process.argv[2] ?? 8080);
const built = fileURLToPath(new URL("../../static", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const board = new Board();
const tickets = new Set();
let signedIn = process.env.MOCK_SIGNED_IN === "1";

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});

async function answer(request, response) {
  const url = new URL(request.url, "http://mock");
  const route = `${request.method} ${url.pathname}`;
  const json = (status, body, headers = {}) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const problem = (status, code, message, headers) => json(status, { code, message, fix: "" }, headers);
  const me = { user: "lin", name: "林晓", role: "agent" };

  if (route === "GET /api/config") {
    return json(200, { version: "mock", languages: ["zh", "en"], default_language: "zh", ice_servers: [] });
  }
  if (route === "POST /api/calls") return problem(503, "capacity.exceeded", "Every line is taken.", { "Retry-After": "20" });
  if (route === "GET /api/session") return signedIn ? json(200, me) : problem(401, "auth.required", "Sign in first.");
  if (route === "POST /api/session") {
    const { password } = JSON.parse(await bodyOf(request));
    if (password === "wrong") return problem(401, "auth.failed", "Wrong.");
    signedIn = true;
    return json(200, me);
  }
  if (route === "DELETE /api/session") {
    signedIn = false;
    return json(204);
  }
  if (route === "POST /mock/cut") {
    for (const client of sockets.clients) client.terminate();
    return json(204);
  }
  if (route === "POST /mock/gap") {
    board.skipNext = true;
    return json(204);
  }
  if (route === "POST /mock/clear") {
    board.calls.clear();
    return json(204);
  }
  if (url.pathname.startsWith("/api/")) {
    if (!signedIn) return problem(401, "auth.required", "Sign in first.");
    return answerAgent(route, url, request, { json, problem, response });
  }
  return page(url.pathname, response);
}

function answerAgent(route, url, request, { json, problem, response }) {
  if (route === "POST /api/tickets") {
    const ticket = Math.random().toString(36).slice(2);
    tickets.add(ticket);
    return json(200, { ticket, expires_in_s: 30 });
  }
  if (route === "GET /api/calls") {
    const limit = Number(url.searchParams.get("limit") ?? 50);
    return json(200, { calls: board.page(limit, url.searchParams.get("before")) });
  }
  if (url.pathname.startsWith("/api/desk/")) return problem(503, "desk.absent", "This server keeps no desk.");
  const [, id, what] = /^\/api\/calls\/([^/]+)\/?(\w*)$/.exec(url.pathname) ?? [];
  const call = board.calls.get(decodeURIComponent(id ?? ""));
  if (call === undefined) return problem(404, "call.unknown", "There is no such call.");
  if (what === "") return json(200, board.summary(call));
  if (what === "events") {
    const after = Number(url.searchParams.get("after") ?? -1);
    const limit = Number(url.searchParams.get("limit") ?? 1000);
    const events = call.events.slice(after + 1, Math.min(call.reached, after + 1 + limit));
    return json(200, { events, last_seq: call.reached - 1, complete: board.ended(call) });
  }
  return recording(call, request, response);
}

function recording(call, request, response) {
  const wav = wavOf(call.events);
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
  const start = from === undefined ? 0 : Number(from);
  const end = to === undefined || to === "" ? wav.length - 1 : Number(to);
  response.writeHead(from === undefined ? 200 : 206, {
    "Content-Type": "audio/wav",
    "Accept-Ranges": "bytes",
    "Content-Length": end - start + 1,
    ...(from === undefined ? {} : { "Content-Range": `bytes ${start}-${end}/${wav.length}` }),
  });
  response.end(wav.subarray(start, end + 1));
}

async function page(path, response) {
  const file = extname(path) === "" ? "index.html" : normalize(path).replace(/^[/.]+/, "");
  try {
    const body = await readFile(join(built, file));
    response.writeHead(200, {
      "Content-Type": types[extname(file)] ?? "application/octet-stream",
      "Content-Security-Policy": "default-src 'self'",
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "http://mock");
  if (url.pathname !== "/live" || !tickets.delete(url.searchParams.get("ticket"))) {
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, serve);
});

function serve(socket) {
  const watched = new Set();
  let listing = false;
  const say = (message) => socket.send(JSON.stringify(message));
  const stop = board.follow((call, events) => {
    if (watched.has(call.id) && events.length > 0) say({ op: "events", call: call.id, events });
    if (listing) say({ op: "call", call: board.summary(call) });
  });
  socket.on("close", stop);
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    if (message.op === "list") {
      listing = true;
      say({ op: "calls", calls: board.page(100, null) });
    } else if (message.op === "watch") {
      const call = board.calls.get(message.call);
      if (call === undefined) return say({ op: "error", code: "call.unknown", message: "No such call.", call: message.call });
      watched.add(call.id);
      say({ op: "events", call: call.id, events: call.events.slice(message.after + 1, call.reached) });
      say({ op: "caught_up", call: call.id, last_seq: call.reached - 1 });
    } else if (message.op === "unwatch") watched.delete(message.call);
    else if (message.op === "ping") say({ op: "pong", id: message.id });
    else say({ op: "error", code: "ws.unknown_op", message: "Unknown op." });
    return undefined;
  });
}

server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
