import { expect, it } from 'vitest';
import { curlCommand } from './curl-command.js';

it('quotes the body for the shell', () => {
  const command = curlCommand({
    method: 'POST',
    url: 'http://h:8080/v2/apps?strict=true',
    body: { cmd: "echo 'hi' $HOME" },
  });

  expect(command).toBe(
    [
      "curl -fsS -X POST 'http://h:8080/v2/apps?strict=true' \\",
      "  -H 'content-type: application/json' \\",
      `  --data-binary '{`,
      `  "cmd": "echo '\\''hi'\\'' $HOME"`,
      "}'",
    ].join('\n'),
  );
});

it('needs no header without a body', () => {
  expect(curlCommand({ method: 'DELETE', url: 'http://h/v2/apps/x' })).toBe(
    "curl -fsS -X DELETE 'http://h/v2/apps/x'",
  );
});
