import FanfareWire
import NIOCore

/// A packet of Socket.IO 5 as a client sends it, without its attachments:
/// `<kind>[<attachments>-][/<namespace>,][<id>][JSON]`.
public struct SocketIOPacket: Sendable, Equatable {
    /// The character before everything else.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// Joins a namespace.
        case connect = 0x30
        /// Leaves it.
        case disconnect = 0x31
        case event = 0x32
        /// The answer to an event.
        case ack = 0x33
        /// The server's refusal of `connect`.
        case connectError = 0x34
        /// An event with attachments.
        case binaryEvent = 0x35
        /// An answer with attachments.
        case binaryAck = 0x36
    }

    /// What a packet says.
    public enum Content: Sendable, Equatable {
        /// - Parameter auth: an object; `nil`: none.
        case connect(auth: ByteBuffer?)
        case disconnect
        case event(SocketIOEvent)
        /// Nobody asked, so nobody waits for it.
        case ack
    }

    /// With its slash; `/` where the packet names none.
    public let namespace: ExactText
    /// By which its sender knows the answer; `nil`: it wants none.
    public let id: UInt64?
    /// Binary messages that belong to it.
    public let attachments: Int
    public let content: Content

    /// Reads a packet. One pass over the JSON, for those with attachments two.
    ///
    /// - Parameters:
    ///   - text: a message, valid UTF-8.
    ///   - maxAttachments: most that a packet may have.
    public init(_ text: ByteBuffer, maxAttachments: Int) throws(SocketIOPacketError) {
        var rest = text
        guard let kind = rest.readInteger(as: UInt8.self).flatMap(Kind.init) else { throw .kind }
        attachments = kind.isBinary ? try Self.attachments(&rest, limit: maxAttachments) : 0
        namespace = try Self.namespace(&rest)
        id = try Self.number(&rest, digits: SocketIOBounds.idDigits, or: .id)
        switch kind {
        case .connect: content = .connect(auth: try Self.auth(rest))
        case .disconnect:
            guard rest.readableBytes == 0 else { throw .data("a DISCONNECT has no data") }
            content = .disconnect
        case .event, .binaryEvent: content = .event(try SocketIOEvent(rest))
        case .ack, .binaryAck:
            guard JSONElements(rest, keeping: 0) != nil else { throw .data("the data of an ACK is an array") }
            content = .ack
        case .connectError: throw .connectError
        }
        if attachments > 0 { try SocketIOPlaceholder.check(rest, attachments: attachments) }
    }

    private static func attachments(_ rest: inout ByteBuffer, limit: Int) throws(SocketIOPacketError) -> Int {
        guard let count = try number(&rest, digits: 5, or: .attachments),
            rest.readInteger(as: UInt8.self) == UInt8(ascii: "-")
        else { throw .attachments }
        guard count <= limit else { throw .tooManyAttachments(limit: limit) }
        return Int(count)
    }

    /// The comma behind it may be missing where nothing follows.
    private static func namespace(_ rest: inout ByteBuffer) throws(SocketIOPacketError) -> ExactText {
        guard rest.readableBytesView.first == UInt8(ascii: "/") else { return "/" }
        let end = rest.firstIndex(of: UInt8(ascii: ","), from: rest.readerIndex)
        let length = (end ?? rest.writerIndex) - rest.readerIndex
        guard length <= SocketIOBounds.namespaceBytes, let name = rest.readSlice(length: length),
            let string = String(validating: name.readableBytesView, as: UTF8.self)
        else { throw .namespace }
        if end != nil { rest.moveReaderIndex(forwardBy: 1) }
        return ExactText(string)
    }

    /// Digits that come next; `nil`: there are none.
    private static func number(
        _ rest: inout ByteBuffer, digits: Int, or problem: SocketIOPacketError
    ) throws(SocketIOPacketError) -> UInt64? {
        var (value, count): (UInt64, Int) = (0, 0)
        while let byte = rest.readableBytesView.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            count += 1
            guard count <= digits else { throw problem }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            rest.moveReaderIndex(forwardBy: 1)
        }
        return count > 0 ? value : nil
    }

    private static func auth(_ data: ByteBuffer) throws(SocketIOPacketError) -> ByteBuffer? {
        guard data.readableBytes > 0 else { return nil }
        guard JSONMembers(data, limit: SocketIOBounds.authMembers) != nil else {
            throw .data("the data of a CONNECT is an object of at most \(SocketIOBounds.authMembers) members")
        }
        return data
    }
}

extension SocketIOPacket.Kind {
    /// Whether the number of its attachments follows.
    var isBinary: Bool { self == .binaryEvent || self == .binaryAck }
}

/// Why a message is no packet. Whoever sends one is ended, as by the reference server.
public enum SocketIOPacketError: Error, Sendable, Equatable, CustomStringConvertible {
    case kind
    case attachments
    case tooManyAttachments(limit: Int)
    case namespace
    case id
    /// Only servers send it.
    case connectError
    /// What the packet carries is not what its kind carries.
    case data(String)
    /// A text message where an attachment has to come, or an attachment that no packet announced.
    case order(String)

    public var description: String {
        switch self {
        case .kind: "a packet begins with its type, 0 to 6"
        case .attachments: "a binary packet says how many attachments it has, as in 51-"
        case .tooManyAttachments(let limit): "a packet has at most \(limit) attachments"
        case .namespace: "a namespace has at most \(SocketIOBounds.namespaceBytes) bytes"
        case .id: "an acknowledgement's id has at most \(SocketIOBounds.idDigits) digits"
        case .connectError: "only servers send a CONNECT_ERROR"
        case .data(let problem), .order(let problem): problem
        }
    }
}
