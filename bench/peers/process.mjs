import process from 'node:process';

const readyWithinMs = 10_000;

// Starts the server with `start`, and tells whoever started us that clients may come. There is nothing to write out at
// the end: keys of presence end by themselves.
export async function serve(start) {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
  const tooLate = setTimeout(() => {
    console.error(`not ready within ${readyWithinMs} ms: is Redis there?`);
    process.exit(1);
  }, readyWithinMs);
  try {
    await start();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
  clearTimeout(tooLate);
  console.log('ready');
}

// A promise of the moment at which the http server listens; rejects if it cannot.
export function listening(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}
