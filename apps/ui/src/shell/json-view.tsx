import { useMemo } from 'react';
import type { JsonObject } from '../api/api-types.js';
import { tokenizeJson } from './json-tokens.js';

/** JSON to read and select, with quiet colours. */
export function JsonView({ label, value }: { readonly label: string; readonly value: JsonObject }) {
  const tokens = useMemo(() => {
    let position = 0;
    return tokenizeJson(JSON.stringify(value, undefined, 2)).map((token) => {
      position += token.text.length;
      return { ...token, end: position };
    });
  }, [value]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box must be reachable by keyboard
    <section className="pc-json" aria-label={label} tabIndex={0}>
      <pre>
        {tokens.map((token) =>
          token.kind === 'other' ? (
            token.text
          ) : (
            <span key={token.end} className={`pc-json-${token.kind}`}>
              {token.text}
            </span>
          ),
        )}
      </pre>
    </section>
  );
}
