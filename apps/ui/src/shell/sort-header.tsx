interface SortHeaderProps<C extends string> {
  readonly column: C;
  readonly text: string;
  readonly order: { readonly column: string; readonly descending: boolean };
  readonly onSort: (column: C) => void;
  readonly className?: string;
}

/** A column head that sorts; `aria-sort` says how. */
export function SortHeader<C extends string>(props: SortHeaderProps<C>) {
  const { column, text, order, onSort, className } = props;
  const isActive = order.column === column;
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <th
      scope="col"
      className={`pc-th-sort ${className ?? ''}`}
      aria-sort={isActive ? direction : 'none'}
    >
      <button type="button" className="pc-sort" onClick={() => onSort(column)}>
        {text}
        <span aria-hidden="true" className="pc-sort-mark">
          {isActive ? (order.descending ? '▾' : '▴') : ''}
        </span>
      </button>
    </th>
  );
}
