// Node's ws with ioredis: one subscription, every message encoded once and sent to every client.
import Redis from "ioredis";
import { WebSocket, WebSocketServer } from "ws";

const [port, url] = process.argv.slice(2);
const redis = new Redis(url.replace(/^unix:\/\//, ""));
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port) });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
});

redis.psubscribe("progress:*");
redis.on("pmessage", (_pattern, channel, message) => {
  const video_id = channel.slice("progress:".length);
  const text = JSON.stringify({ type: "progress", video_id, ...JSON.parse(message) });
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) {
      client.send(text);
    }
  }
});
