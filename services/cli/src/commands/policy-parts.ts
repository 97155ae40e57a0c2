/** The catalog, the mask checks and the meaning of curl lines: what checking needs and the engine does not know. */
export async function policyParts() {
  const [service, { createCatalog }, { maskProblems }] = await Promise.all([import('@lockkeeper/policy'), import('@lockkeeper/catalog'), import('@lockkeeper/masking')])
  const catalog = createCatalog()
  await catalog.load()
  return { service, options: { methods: [...catalog.methods()], maskProblems, classify: service.createClassify(catalog) } }
}
