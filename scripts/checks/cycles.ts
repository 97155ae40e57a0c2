/** Circles in a directed graph: each group of nodes that lead to one another, once (Tarjan's strongly connected components). */
export function findCycles(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: string[] = []
  const onPath = new Set<string>()
  const cycles: (readonly string[])[] = []

  const visit = (node: string): void => {
    order.set(node, order.size)
    lowest.set(node, order.size - 1)
    path.push(node)
    onPath.add(node)
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next)
      if (onPath.has(next)) lowest.set(node, Math.min(lowest.get(node) as number, lowest.get(next) as number))
    }
    if (lowest.get(node) !== order.get(node)) return
    const group = path.splice(path.indexOf(node))
    for (const one of group) onPath.delete(one)
    if (group.length > 1 || graph.get(node)?.has(node) === true) cycles.push(group.sort())
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return cycles
}
