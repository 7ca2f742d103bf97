import 'vitest'

declare module 'vitest' {
  /** What test/global-setup.ts gives every test file, by `inject('databaseUrl')`. */
  export interface ProvidedContext {
    databaseUrl: string
    redisUrl: string
    tablesConnection: string
  }
}
