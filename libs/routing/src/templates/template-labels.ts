import type { LabelReader } from '../labels/label-reader.js';
import { MAP_TEMPLATES, PORT_TEMPLATES, type PortTemplate } from './template-names.js';

/** The texts an app puts in place of the built-in ones, with their placeholders. */
export type TemplateOverrides = ReadonlyMap<PortTemplate, string>;

const MAX_TEMPLATE_CHARS = 16_384;
const NONE: TemplateOverrides = new Map();

/** Reads the labels HAPROXY_{n}_<TEMPLATE>. */
export function readTemplateLabels(reader: LabelReader): TemplateOverrides {
  const overrides = new Map<PortTemplate, string>();
  for (const name of PORT_TEMPLATES) {
    // A label of the same name that marathon-lb reads as a value, not as text.
    if (name === 'HTTP_BACKEND_REDIR' && !isTemplateText(reader.raw(name))) continue;
    const text = reader.raw(name);
    if (text === undefined) continue;
    if (text.length <= MAX_TEMPLATE_CHARS) overrides.set(name, text);
    else reader.refuse(name, `${text.length} characters, at most ${MAX_TEMPLATE_CHARS} are used`);
  }
  for (const name of MAP_TEMPLATES) {
    if (reader.raw(name) !== undefined)
      reader.refuse(name, "has no effect: the maps are the edge's own");
  }
  return overrides.size === 0 ? NONE : overrides;
}

/** HAPROXY_{n}_HTTP_BACKEND_REDIR is a path or URL as a label, and lines as a template: those begin with a keyword. */
const isTemplateText = (text: string | undefined): boolean => /^\s*[a-z-]+\s+\S/.test(text ?? '');
