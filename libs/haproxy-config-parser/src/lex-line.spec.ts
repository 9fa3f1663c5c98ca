// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import { describe, expect, it } from 'vitest';
import { lex } from './lex-line.js';

const ENVIRONMENT = { FOO: 'p q  r', EMPTY: '', LEAD: ' a b ', _x1: 'under' };

const read = (line: string) => lex(line, { environment: ENVIRONMENT }).values;

describe('words', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['a  b\tc\vd\fe', ['a', 'b', 'c', 'd', 'e']],
    [' a ', ['a']],
    ['a #b', ['a']],
    ['a b#c d', ['a', 'b']],
    ['\ra \r b', ['a', 'b']],
    ['a b\r c', ['a', 'b']],
    ['a b\nc', ['a', 'b']],
    ['é\u00a0\u2028', ['é\u00a0\u2028']],
  ])('in %j are %j', (line, words) => {
    expect(read(line)).toEqual(words);
  });
});

describe('quotes', () => {
  it.each([
    ['"a b" \'c d\'', ['a b', 'c d']],
    ['a"b c"d\'e f\'', ['ab cde f']],
    ['"" \'\'', ['', '']],
    ['"a#b"#c', ['a#b']],
    ['"it\'s" \'say "hi"\'', ["it's", 'say "hi"']],
    ["'a\\b\\x41$FOO'", ['a\\b\\x41$FOO']],
    ['"a\tb"', ['a\tb']],
  ])('in %j give %j', (line, words) => {
    expect(read(line)).toEqual(words);
  });
});

describe('escapes', () => {
  it.each([
    ['a\\ b', ['a b']],
    ['\\\\ \\" \\\' \\#', ['\\', '"', "'", '#']],
    ['\\n\\r\\t', ['\n\r\t']],
    ['\\x41\\x7a"\\x0A"', ['Az\n']],
    ['\\xe9', ['\u00e9']],
    ['\\1 \\. \\q', ['\\1', '\\.', '\\q']],
    ['\\$FOO "\\$FOO"', ['\\$FOO', '$FOO']],
    ['a\\', ['a\\']],
    ['ab\\x00cd e', ['ab', 'e']],
    ['\\x4 \\xg0', ['\\x4', '\\xg0']],
  ])('in %j give %j', (line, words) => {
    expect(read(line)).toEqual(words);
  });
});

describe('variables', () => {
  it.each([
    ['$FOO ${FOO}', ['$FOO', '${FOO}']],
    ['"$FOO"', ['p q  r']],
    ['"<${FOO}>"', ['<p q  r>']],
    ['"$_x1-$FOOx"', ['under-']],
    ['"${NONE-a b}" "${EMPTY-x}" "${NONE-}"', ['a b', '', '']],
    ['"${NONE-a"b\'\\x41$FOO}"', ['a"b\'\\x41$FOO']],
    ['"${NONE-a}b}"', ['ab}']],
    ['"${FOO[*]}"', ['p', 'q', 'r']],
    ['"<${FOO[*]}>" z', ['<p', 'q', 'r>', 'z']],
    ['"${LEAD[*]}"', ['', 'a', 'b', '']],
    ['"${NONE[*]-x y}"', ['x', 'y']],
    ['"${EMPTY[*]}"', ['']],
    ['"$FOO[*]"', ['p q  r[*]']],
    ['"\\\\$EMPTY|"', ['\\|']],
    ['"${toString}${constructor}"', ['']],
  ])('in %j give %j', (line, words) => {
    expect(read(line)).toEqual(words);
  });

  it('are unset unless the caller gives them', () => {
    expect(lex('"[$HOME][${HOME-none}]"').values).toEqual(['[][none]']);
  });
});
