import { lex } from 'haproxy-config-parser';
import { type LabelReader, shown } from './label-reader.js';

/** How a backend chooses among its servers. */
export interface Balance {
  /** The words behind `balance`. */
  readonly words: readonly string[];
  /** Chosen by a hash: `hash-type consistent`, without which servers cannot be added while HAProxy runs. */
  readonly isHash: boolean;
}

export const ROUND_ROBIN: Balance = { words: ['roundrobin'], isHash: false };

const PLAIN = /^(roundrobin|leastconn|first|random(\(\d{1,3}\))?)$/;
const HASH = /^(source|uri|url_param|rdp-cookie(\([A-Za-z0-9_-]+\))?|hdr\([A-Za-z0-9_-]+\))$/;
const ARGUMENT = /^[A-Za-z0-9_.-]{1,100}$/;
const MAX_ARGUMENTS = 6;

/** Reads HAPROXY_{n}_BALANCE; an algorithm that cannot be used falls back to round robin and is reported. */
export function readBalance(reader: LabelReader): Balance {
  const text = reader.text('BALANCE');
  if (text === undefined) return ROUND_ROBIN;
  const [algorithm = '', ...rest] = lex(text).values;
  const words = [
    algorithm.toLowerCase().startsWith('hdr(') ? algorithm : algorithm.toLowerCase(),
    ...rest,
  ];
  const [name = ''] = words;
  if (name === 'static-rr') {
    reader.refuse(
      'BALANCE',
      'static-rr cannot take servers while HAProxy runs; roundrobin is used',
    );
    return ROUND_ROBIN;
  }
  const hasGoodArguments =
    rest.length <= MAX_ARGUMENTS && rest.every((word) => ARGUMENT.test(word));
  if (PLAIN.test(name) && rest.length === 0) return { words, isHash: false };
  if (HASH.test(name) && hasGoodArguments) return { words, isHash: true };
  reader.refuse(
    'BALANCE',
    `${shown(text)} is not one of roundrobin, leastconn, first, random, source, uri, url_param, hdr(name), rdp-cookie; roundrobin is used`,
  );
  return ROUND_ROBIN;
}
