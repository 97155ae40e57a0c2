/** The page, built into dist-page: `npm run build:console`. Plain files of our own origin, so that the strictest policy holds. */
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('./page/', import.meta.url)),
  plugins: [react()],
  logLevel: 'warn',
  build: {
    outDir: '../dist-page', emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0, cssCodeSplit: false, sourcemap: false,
    modulePreload: { polyfill: false },
  },
})
