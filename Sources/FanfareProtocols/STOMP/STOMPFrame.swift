import FanfareWire
import NIOCore

/// What a client may say (STOMP 1.2, "Client Frames"). Everything else is a mistake, which is found before any header is read.
public enum STOMPCommand: String, CaseIterable, Sendable {
    case connect = "CONNECT"
    /// The same since 1.1, for servers that tell protocols apart by the first bytes.
    case stomp = "STOMP"
    case send = "SEND"
    case subscribe = "SUBSCRIBE"
    case unsubscribe = "UNSUBSCRIBE"
    case ack = "ACK"
    case nack = "NACK"
    case begin = "BEGIN"
    case commit = "COMMIT"
    case abort = "ABORT"
    case disconnect = "DISCONNECT"

    init?(_ line: some Sequence<UInt8>) {
        guard let command = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(line) }) else { return nil }
        self = command
    }

    /// Whether it begins the session. Its headers have no escapes, in any version.
    var isConnect: Bool { self == .connect || self == .stomp }

    /// Whether it publishes, or belongs to what does.
    var publishes: Bool { self == .send || self == .begin || self == .commit || self == .abort }
}

/// A frame of a client.
public struct STOMPFrame: Sendable, Equatable {
    public struct Header: Sendable, Equatable {
        public let name: ExactText
        public let value: ExactText

        public init(_ name: ExactText, _ value: ExactText) { (self.name, self.value) = (name, value) }
    }

    public let command: STOMPCommand
    /// In their order, repeated ones among them.
    public var headers: [Header] = []
    public var body = ByteBuffer()

    public init(_ command: STOMPCommand, headers: [Header] = [], body: ByteBuffer = ByteBuffer()) {
        (self.command, self.headers, self.body) = (command, headers, body)
    }

    /// The value of a header: of a repeated one the first counts ("Repeated Header Entries").
    public subscript(name: ExactText) -> ExactText? { headers.first { $0.name == name }?.value }
}

/// Why a frame ends its connection: every ERROR does. The message is fit for the client.
public struct STOMPError: Error, Sendable, Equatable, CustomStringConvertible {
    public let message: String
    /// How the connection ends after it.
    public let disconnect: Disconnect

    public init(_ message: String, _ disconnect: Disconnect = .badRequest) {
        (self.message, self.disconnect) = (message, disconnect)
    }

    public var description: String { message }
}
