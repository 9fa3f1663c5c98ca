/**
 * Up to `maxRecords` of the items, in random order; each item is as likely as any other. O(answered), not O(items), but
 * for the copy of a set that is answered whole.
 */
export function sampleRecords<Item>(
  items: readonly Item[],
  limits: { readonly maxRecords: number; readonly random: () => number },
): readonly Item[] {
  const { maxRecords, random } = limits;
  if (items.length <= 1) return items;
  const picked = items.length <= maxRecords ? [...items] : pick(items, limits);
  for (let at = picked.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const item = picked[at] as Item;
    picked[at] = picked[other] as Item;
    picked[other] = item;
  }
  return picked;
}

/** Floyd's sampling: as many random numbers as items wanted, none drawn in vain. */
function pick<Item>(
  items: readonly Item[],
  { maxRecords, random }: { readonly maxRecords: number; readonly random: () => number },
): Item[] {
  const chosen = new Set<number>();
  for (let last = items.length - maxRecords; last < items.length; last += 1) {
    const drawn = Math.floor(random() * (last + 1));
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return [...chosen].map((index) => items[index] as Item);
}
