import { useCallback, useState } from 'react';
import type { JsonObject } from '../api/api-types.js';
import type { FieldErrors, FieldName, FormFields } from './app-form.js';
import { applyFields, fieldsOfApp, parseAppJson, printAppJson } from './app-form.js';

export type DraftView = 'form' | 'json';

export interface Draft {
  readonly view: DraftView;
  readonly fields: FormFields;
  readonly json: string;
  readonly jsonError: string | undefined;
  readonly fieldErrors: FieldErrors;
  readonly setField: (name: FieldName, value: string) => void;
  readonly setJson: (text: string) => void;
  /** Refuses to leave JSON that cannot be read; nothing typed is ever lost. */
  readonly setView: (view: DraftView) => void;
  /** The definition as it would be sent, or nothing (with the errors now showing). */
  readonly complete: () => JsonObject | undefined;
  /** The definition as far as it can be read, for copying. */
  readonly peek: () => JsonObject;
}

/** One definition seen as a form or as text. What the form does not know survives the changes of view. */
export function useDraft(initial: JsonObject): Draft {
  const [app, setApp] = useState(initial);
  const [view, setShownView] = useState<DraftView>('form');
  const [fields, setFields] = useState(() => fieldsOfApp(initial));
  const [json, setJsonText] = useState(() => printAppJson(initial));
  const [jsonError, setJsonError] = useState<string>();
  const [fieldErrors, setFieldErrors] = useState<FieldErrors>({});

  const setField = useCallback((name: FieldName, value: string) => {
    setFields((current) => ({ ...current, [name]: value }));
    setFieldErrors(({ [name]: _, ...rest }) => rest);
  }, []);

  const readJson = (): JsonObject | undefined => {
    const result = parseAppJson(json);
    setJsonError(result.ok ? undefined : result.error);
    return result.ok ? result.app : undefined;
  };

  const setView = (next: DraftView) => {
    if (next === view) {
      return;
    }
    if (next === 'json') {
      setJsonText(printAppJson(applyFields(app, fields).app));
      setShownView('json');
      return;
    }
    const read = readJson();
    if (read) {
      setApp(read);
      setFields(fieldsOfApp(read));
      setFieldErrors({});
      setShownView('form');
    }
  };

  const complete = (): JsonObject | undefined => {
    if (view === 'json') {
      return readJson();
    }
    const result = applyFields(app, fields);
    setFieldErrors(result.errors);
    return Object.keys(result.errors).length === 0 ? result.app : undefined;
  };

  const peek = (): JsonObject => {
    const result = view === 'json' ? parseAppJson(json) : undefined;
    return result?.ok ? result.app : applyFields(app, fields).app;
  };

  return {
    view,
    fields,
    json,
    jsonError,
    fieldErrors,
    setField,
    setJson: (text) => {
      setJsonText(text);
      setJsonError(undefined);
    },
    setView,
    complete,
    peek,
  };
}
