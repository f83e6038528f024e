import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const SERVER = process.env['CTI_SERVER'] ?? 'http://127.0.0.1:8088'

export default defineConfig({
  plugins: [svelte()],
  base: './', // the page also works below a path of a reverse proxy
  build: {
    outDir: '../cti/web/static',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'], // the first with light-dark()
    assetsInlineLimit: 0, // no data: URLs, the content security policy does not allow them
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': SERVER, '/healthz': SERVER } },
  test: { include: ['tests/**/*.test.ts'] },
})
