/** Style sheets are bundled by Vite; a script imports them for that alone. */
declare module '*.css'
