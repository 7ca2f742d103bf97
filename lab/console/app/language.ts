// A browser under LANG=C calls its language `en-US@posix`, which Intl refuses; uPlot formats numbers with it as soon as it is loaded.
try {
  new Intl.NumberFormat(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' })
}
