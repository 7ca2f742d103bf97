/** Paths on a grid of 24, drawn with a stroke. */
const ICONS = {
  loop: 'M20 12a8 8 0 1 1-2.6-5.9M20 3v5h-5',
  monitors: 'M3 17l5-6 4 3 5-8 4 5M3 21h18',
  sessions:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.4a3.5 3.5 0 0 1 0 6.2M18 14.3a6.5 6.5 0 0 1 3.5 5.7',
  events: 'M4 6h16M4 12h16M4 18h10',
  attacks: 'M13 2 4 14h7l-1 8 9-12h-7z',
  containments: 'M12 3l8 3v6c0 4.5-3.2 7.8-8 9-4.8-1.2-8-4.5-8-9V6z',
  deliveries: 'M22 3 11 14M22 3l-7 18-4-7-7-4z',
  mail: 'M3 6h18v12H3zM3 7l9 7 9-7',
  rum: 'M2 12s3.6-7 10-7 10 7 10 7-3.6 7-10 7-10-7-10-7zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  chevron: 'M9 6l6 6-6 6',
  file: 'M7 3h7l4 4v14H7zM14 3v4h4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  external: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
} as const

export type IconName = keyof typeof ICONS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={ICONS[name]} />
    </svg>
  )
}
