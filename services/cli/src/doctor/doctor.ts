export async function doctor(_options: unknown): Promise<void> { await Promise.resolve() }
