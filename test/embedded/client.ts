import { openDatabase } from '../../src/embedded/open.ts';

// Opens the database of a directory, says so, and uses it until it is told to stop (on stdin) or killed.

const { stop, joined } = await openDatabase({ dataDirectory: process.argv[2] ?? '', say: () => {} });
process.stdout.write(`open ${joined ? 'joined' : 'started'}\n`);
process.stdin.on('end', () => void stop().then(() => process.exit(0)));
process.stdin.resume();
