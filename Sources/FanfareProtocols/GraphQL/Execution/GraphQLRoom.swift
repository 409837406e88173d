/// Bytes that the JSON of an operation may still come to. A variable is written out at each of its uses, so a document multiplies what is
/// sent with it; and this happens before anybody asks for rights, rates and sizes.
struct GraphQLRoom {
    private var left: Int

    /// - Parameter sent: bytes of the document and of its variables.
    init(sent: Int) { left = max(GraphQLBounds.smallJSON, sent * GraphQLBounds.expansion) }

    /// - Throws: there are not so many left.
    mutating func take(_ bytes: Int) throws(GraphQLError) {
        guard bytes <= left else {
            throw GraphQLError("the variables come to more JSON than an operation may have", .tooComplex)
        }
        left -= bytes
    }
}
