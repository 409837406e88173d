/// Why a message is no row of commands.
public enum CentrifugeDecodeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A command is not a JSON object.
    case notAnObject
    /// A command is not a message of Protobuf, or not all of it is there.
    case notAMessage
    /// More fields in a part of a command than any has.
    case tooManyFields(limit: Int)
    /// More commands in one message than allowed.
    case tooManyCommands(limit: Int)
    /// A command has no known method, or several.
    case methods(count: Int)
    /// A field is missing or of another type.
    case field(String)

    public var description: String {
        switch self {
        case .notAnObject: "a command is not a JSON object"
        case .notAMessage: "a command is not a whole Protobuf message"
        case .tooManyFields(let limit): "more than \(limit) fields in a part of a command"
        case .tooManyCommands(let limit): "more than \(limit) commands in one message"
        case .methods(let count): "a command has \(count) known methods instead of one"
        case .field(let name): "field '\(name)' is missing or of the wrong type"
        }
    }
}
