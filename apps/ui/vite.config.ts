import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The API to forward to while developing with `npx vite apps/ui`. */
const API_URL = process.env['PACER_URL'] ?? 'http://127.0.0.1:8080';

// The controller serves the result at /ui/, so base and the router's basename must both say so.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/ui/',
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('../../dist/apps/ui', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 700,
  },
  server: { host: '127.0.0.1', proxy: { '/v2': API_URL } },
});
