import { describe, expect, it } from 'vitest';
import { Budget } from './budget.js';
import { KeptList } from './kept-list.js';

interface Item {
  readonly id: string;
  value: number;
}

/** A list of items in the ledger, which writes down what it looks at and what it writes. */
function listOf(count: number) {
  const ledger = new Map(
    Array.from({ length: count }, (_, index): [string, Item] => {
      const id = `i${index}`;
      return [id, { id, value: index }];
    }),
  );
  const looked: string[] = [];
  const written: string[] = [];
  const list = new KeptList<Item, number>({
    items: ledger.values(),
    isListed: (item) => {
      looked.push(item.id);
      return ledger.get(item.id) === item;
    },
    part: {
      look: ({ value }) => value,
      isCurrent: (seen, { value }) => seen === value,
      render: ({ id, value }) => {
        written.push(id);
        return JSON.stringify({ id, value });
      },
    },
  });
  const read = (): unknown => {
    while (!list.drain(new Budget(3, tickingClock())));
    return JSON.parse(`[${Buffer.concat(list.pieces.chunks).toString()}]`) as unknown;
  };
  return { ledger, list, read, looked, written };
}

function tickingClock(): () => number {
  let time = 0;
  return () => {
    time += 1;
    return time;
  };
}

describe('a list that is kept', () => {
  it('looks at nothing but what was touched, and writes only what changed', () => {
    const { ledger, list, read, looked, written } = listOf(1_000);
    read();
    expect(written).toHaveLength(1_000);
    looked.length = 0;
    written.length = 0;

    const [changed, same] = [ledger.get('i7'), ledger.get('i8')];
    if (changed === undefined || same === undefined) throw new Error('not in the ledger');
    changed.value = -1;
    list.touch(changed);
    list.touch(same);

    expect(read()).toEqual([...ledger.values()]);
    expect(looked).toEqual(['i7', 'i8']);
    expect(written).toEqual(['i7']);
  });

  it('forgets what has gone, and takes what comes anew under its id', () => {
    const { ledger, list, read } = listOf(3);
    read();
    const gone = ledger.get('i1');
    if (gone === undefined) throw new Error('not in the ledger');
    ledger.delete('i1');
    list.touch(gone);
    expect(read()).toEqual([...ledger.values()]);

    const anew = { id: 'i1', value: 10 };
    ledger.set('i1', anew);
    list.touch(anew);
    list.touch(gone);

    expect(read()).toEqual([...ledger.values()]);
  });

  it('gives way when its time is spent, and goes on where it was', () => {
    const { list, written } = listOf(10);

    expect(list.drain(new Budget(4, tickingClock()))).toBe(false);
    expect(written).toHaveLength(4);
    expect(list.drain(new Budget(10, tickingClock()))).toBe(true);
    expect(written).toHaveLength(10);
  });
});
