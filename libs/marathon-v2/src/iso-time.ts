const DAY_MS = 86_400_000;

/**
 * Unix milliseconds as `2015-09-29T15:59:51.164Z`, as Marathon prints times. Without `Date`, as this library has no
 * clock; exact for the years 0 to 9999 (days to civil date by Hinnant's algorithm).
 */
export function toIsoTime(epochMs: number): string {
  const whole = Math.trunc(epochMs);
  const days = Math.floor(whole / DAY_MS);
  const ofDay = whole - days * DAY_MS;
  const { year, month, day } = toCivil(days);
  const hours = Math.floor(ofDay / 3_600_000);
  const minutes = Math.floor(ofDay / 60_000) % 60;
  const seconds = Math.floor(ofDay / 1000) % 60;
  return (
    `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}` +
    `T${digits(hours, 2)}:${digits(minutes, 2)}:${digits(seconds, 2)}.${digits(ofDay % 1000, 3)}Z`
  );
}

/** The Unix milliseconds of a text in exactly that form, or undefined. */
export function fromIsoTime(text: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0, millis = 0] = match
    .slice(1)
    .map(Number);
  const time = ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis;
  const epochMs = fromCivil(year, month, day) * DAY_MS + time;
  return toIsoTime(epochMs) === text ? epochMs : undefined;
}

const digits = (value: number, width: number): string => String(value).padStart(width, '0');

function toCivil(daysSinceEpoch: number): { year: number; month: number; day: number } {
  const days = daysSinceEpoch + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

function fromCivil(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
