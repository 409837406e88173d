/// Reads the field `Last-Event-ID`, with which a reader of an event stream says where it was.
public enum LastEventID {
    /// The id of the last event of a stream that is over for good. Browsers come back to every stream that ends, and an answer without
    /// content is the only way to stop them (WHATWG HTML §9.2.3): who comes back with this id gets one.
    public static let ended = "end"

    /// Why a field can't be understood; fit for the client.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// The position that a request comes back with; `nil`: it begins anew. An empty field says so, too: a browser that heard no
    /// id sends none, but some libraries send an empty one.
    ///
    /// - Parameter fields: the values of all fields of that name, without whitespace around them.
    public static func position(_ fields: [String]) throws(Problem) -> StreamPosition? {
        guard fields.count < 2 else { throw Problem(description: "there is more than one last-event-id") }
        guard let field = fields.first, !field.isEmpty else { return nil }
        guard let position = StreamPosition(field) else {
            throw Problem(description: "last-event-id must be \(StreamPosition.form), as the stream had it")
        }
        return position
    }
}
