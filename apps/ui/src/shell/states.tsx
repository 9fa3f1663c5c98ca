import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import { ApiError, describeError } from '../api/api-error.js';
import { Icon, type IconName } from './icons.js';

interface EmptyPanelProps {
  readonly icon: IconName;
  readonly title: string;
  readonly text?: string;
  readonly children?: ReactNode;
}

export function EmptyPanel({ icon, title, text, children }: EmptyPanelProps) {
  return (
    <div className="pc-panel-state">
      <Icon name={icon} size={32} />
      <h2>{title}</h2>
      {text && <p>{text}</p>}
      {children}
    </div>
  );
}

/** An error in place of the content; the title says what is missing, the text why. */
export function ErrorPanel({ title, error }: { readonly title: string; readonly error: unknown }) {
  const status = error instanceof ApiError ? error.status : undefined;
  const heading =
    status === 401 ? 'Please sign in' : status === 403 ? 'You are not allowed to see this' : title;
  return (
    <div className="pc-panel-state pc-panel-state--bad" role="alert">
      <Icon name="alert" size={32} />
      <h2>{heading}</h2>
      <p>{describeError(error)}</p>
      {(status === undefined || status === 0 || status >= 500) && (
        <p>Trying again every few seconds.</p>
      )}
    </div>
  );
}

const PLACEHOLDER_ROWS = [92, 78, 85, 64, 88, 70];

export function LoadingRows({ label }: { readonly label: string }) {
  return (
    <div className="pc-loading" role="status" aria-label={label}>
      {PLACEHOLDER_ROWS.map((width) => (
        <Skeleton key={width} height={14} width={`${width}%`} radius="sm" />
      ))}
    </div>
  );
}
