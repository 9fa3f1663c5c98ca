import { createTheme, type MantineColorsTuple } from '@mantine/core';

const teal: MantineColorsTuple = [
  '#effcf9',
  '#d3f5ee',
  '#a6e9dc',
  '#72d8c6',
  '#3fc0ad',
  '#1fa594',
  '#128073',
  '#0f766e',
  '#115e59',
  '#0d4542',
];

/** Darker than usual from 6 on, so that white text on a button can be read. */
const red: MantineColorsTuple = [
  '#fdf0ef',
  '#fbdcda',
  '#f6b8b4',
  '#f58c84',
  '#ee6a61',
  '#d5443c',
  '#c43a32',
  '#b8322b',
  '#9a2822',
  '#7d201b',
];

/** Slate instead of the neutral greys; 7 is the page, 6 the surfaces, 4 the borders, 0 the text. */
const dark: MantineColorsTuple = [
  '#d6dce5',
  '#a9b4c2',
  '#8a96a6',
  '#5c6878',
  '#35404d',
  '#28323d',
  '#1b232c',
  '#12181f',
  '#0d1218',
  '#080c10',
];

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif';
const MONO =
  'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace';

export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: { light: 7, dark: 6 },
  colors: { teal, red, dark },
  fontFamily: FONT,
  fontFamilyMonospace: MONO,
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: { fontFamily: FONT, fontWeight: '650' },
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    NativeSelect: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    Menu: { defaultProps: { shadow: 'md' } },
    Modal: { defaultProps: { centered: false, yOffset: '8vh', overlayProps: { opacity: 0.5 } } },
  },
});
