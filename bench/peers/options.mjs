import process from 'node:process';
import { parseArgs } from 'node:util';

const usage = 'usage: node PEER.mjs --port P --redis HOST:PORT[,HOST:PORT...] --name NAME';

function fail(why) {
  console.error(`${why}\n${usage}`);
  process.exit(2);
}

function portOf(text) {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) fail(`not a port: ${text}`);
  return port;
}

function addressOf(text) {
  const colon = text.lastIndexOf(':');
  if (colon < 1) fail(`--redis: not HOST:PORT: ${text}`);
  return { host: text.slice(0, colon), port: portOf(text.slice(colon + 1)) };
}

// {port, redis: [{host, port}], name} of the command line; ends the process with a reason if it is wrong.
export function readOptions() {
  const text = { type: 'string' };
  let values;
  try {
    ({ values } = parseArgs({ options: { port: text, redis: text, name: text } }));
  } catch (error) {
    fail(error.message);
  }
  for (const each of ['port', 'redis', 'name']) if (!values[each]) fail(`--${each} is missing`);
  return { port: portOf(values.port), redis: values.redis.split(',').map(addressOf), name: values.name };
}
