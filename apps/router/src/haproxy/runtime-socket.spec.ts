import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runCommands } from './runtime-socket.js';

/** Answers the first bytes that come with `pieces`, one write each. */
async function withSocket<Result>(
  pieces: readonly string[],
  ask: (path: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'pacer-socket-'));
  const path = join(directory, 's');
  const server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.once('data', () => {
      connection.setNoDelay(true);
      let sent = Promise.resolve();
      for (const piece of pieces) {
        sent = sent.then(() => new Promise((done) => connection.write(piece, () => done())));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    return await ask(path);
  } finally {
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

it('gives each command its answer, wherever what arrives is cut', async () => {
  const word = fc.stringMatching(/^[a-z> ]{0,6}$/);
  const answer = fc.array(word, { maxLength: 4 }).map((words) => words.join('\n'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        answer.filter((text) => !`\n${text}\n`.includes('\n> ')),
        { minLength: 1, maxLength: 4 },
      ),
      fc.integer({ min: 1, max: 7 }),
      async (answers, size) => {
        const text = `\n> ${answers.map((each) => `${each}\n\n> `).join('')}`;
        const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
        const commands = answers.map((_, index) => `command ${index}`);

        const replies = await withSocket(pieces, (path) => runCommands(path, commands));

        expect(replies).toEqual(answers.map((each) => each.trim()));
      },
    ),
    { numRuns: 50 },
  );
});
