/** The few line icons the UI needs, drawn on a 24 by 24 grid. They carry no meaning of their own. */
const PATHS = {
  alert:
    'M12 8v5M12 16.5v.1M10.3 3.9 2 18a2 2 0 0 0 1.7 3h16.6A2 2 0 0 0 22 18L13.7 3.9a2 2 0 0 0-3.4 0Z',
  app: 'M12 2.5 3.5 7v10l8.5 4.5L20.5 17V7L12 2.5ZM3.5 7l8.5 4.5L20.5 7M12 11.5v10',
  auto: 'M12 3a9 9 0 1 0 0 18V3Zm0 0a9 9 0 0 1 0 18',
  check: 'M4 12.5 9.5 18 20 6.5',
  chevron: 'm6 9 6 6 6-6',
  clock: 'M12 7v5l3.5 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  download: 'M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M4 20h16',
  edit: 'M4 20h4L19 9l-4-4L4 16v4ZM13 7l4 4',
  filter: 'M3 5h18l-7 8.5V20l-4-2v-4.5L3 5Z',
  folder: 'M3 6a1 1 0 0 1 1-1h5l2 2.5h9a1 1 0 0 1 1 1V18a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6Z',
  help: 'M9.2 9a2.9 2.9 0 0 1 5.6 1c0 2-2.8 2.3-2.8 4M12 17v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z',
  info: 'M12 11v5M12 8v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z',
  logs: 'M4 5h16M4 10h16M4 15h10M4 20h7',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z',
  pause: 'M8 5v14M16 5v14',
  plus: 'M12 5v14M5 12h14',
  restart: 'M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5',
  rollback: 'M4 9h10a6 6 0 0 1 0 12H9M4 9l4.5-4.5M4 9l4.5 4.5',
  rollout: 'M4 17l5-5 4 3 7-8M15 7h5v5',
  scale: 'M7 17 17 7M17 7h-6M17 7v6M3 21h7M3 21v-7',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 21 21',
  stop: 'M6 6h12v12H6z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  x: 'M6 6l12 12M18 6 6 18',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      className="pc-icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg width={24} height={24} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--pc-accent)" />
      <path
        d="M4 17h6l3-8 5 14 3.5-9 1.5 3h5"
        fill="none"
        stroke="#fff"
        strokeWidth={2.6}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
