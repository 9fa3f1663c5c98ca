export function ProgressBar({
  percent,
  label,
}: {
  readonly percent: number;
  readonly label: string;
}) {
  return (
    <div
      className="pc-progress"
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}
