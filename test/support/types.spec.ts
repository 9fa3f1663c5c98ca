import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A busy machine takes many times the usual quarter of a minute. */
const LIMIT_MS = 600_000;

/** Tests run without their types, so nothing else would find what does not fit. */
it(
  'every file has the types it says, tests and the UI too',
  async () => {
    expect(await checkTypes()).toBe('');
  },
  LIMIT_MS,
);

/** What the compiler says; nothing when all fits. Others come first on a busy machine. */
function checkTypes(): Promise<string> {
  const command = ['-n', '10', 'npm', 'run', '--silent', 'check:types'];
  return new Promise((resolve) => {
    execFile('nice', command, { cwd: ROOT, timeout: LIMIT_MS }, (error, stdout, stderr) => {
      resolve(error === null ? '' : `${stdout}${stderr}` || String(error));
    });
  });
}
