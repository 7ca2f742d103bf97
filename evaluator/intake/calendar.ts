/** Whether the month of an ISO 8601 date has its day. `Date.parse` reads 30 February as 2 March. */
export function isInCalendar(iso: string): boolean {
  const day = Number(iso.slice(8, 10))
  return day <= 28 || new Date(`${iso.slice(0, 10)}T00:00Z`).getUTCDate() === day
}
