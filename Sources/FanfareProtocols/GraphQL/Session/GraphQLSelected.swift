import FanfareWire

/// What some of a client's subscriptions select. They share it, so a client has it once in memory.
final class GraphQLSelected: Sendable {
    /// Of the format that all have who select the same.
    let name: ExactText
    let codec: GraphQLCodec
    /// Bytes of memory that it has, about.
    let size: Int

    /// - Parameters:
    ///   - field: the one at the top.
    ///   - words: how its publications are said.
    init(selecting field: GraphQLPlanField, for words: GraphQLWords) {
        codec = GraphQLCodec(field: GraphQLPlanField(selecting: field), carrier: words.carrier)
        name = codec.name
        size = name.utf8.count + Self.count(codec.field) * 256
    }

    private static func count(_ field: GraphQLPlanField) -> Int {
        field.selections.reduce(1) { $0 + count($1) }
    }
}
