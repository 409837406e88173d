import FanfareWire
import NIOCore

/// What a node is asked to do. An id is never used for anything else.
public struct ControlCommand: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Answers with the body of the request.
    public static let ping = ControlCommand(rawValue: 1)
    /// A notice: the sender is there. See ``ClusterNode``.
    static let announce = ControlCommand(rawValue: 2)
    /// A notice: the sender goes.
    static let leave = ControlCommand(rawValue: 3)
    /// Brings what a client sent in a request of its own to its session.
    public static let emulate = ControlCommand(rawValue: 10)
}

/// What became of a request.
public struct ControlStatus: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let ok = ControlStatus(rawValue: 0)
    /// An older node: it does not know the command.
    public static let unknownCommand = ControlStatus(rawValue: 1)
    /// Too many requests wait for answers there (``ControlBounds/answering``). Nothing was done.
    public static let busy = ControlStatus(rawValue: 2)
    /// It could not be done; what the command's fields say.
    public static let failed = ControlStatus(rawValue: 3)
}

/// A request or notice of another node, or of this one.
public struct ControlRequest: Sendable {
    public let command: ControlCommand
    public let sender: NodeID
    public let fields: ControlFields
    public let body: ByteBuffer
}

/// What a node answers.
public struct ControlAnswer: Sendable, Equatable {
    public var status: ControlStatus
    /// Who answered. The bus fills it in.
    public internal(set) var node: NodeID?
    public var fields: ControlFields
    public var body: ByteBuffer

    public init(
        _ status: ControlStatus = .ok, fields: ControlFields = ControlFields(), body: ByteBuffer = ByteBuffer()
    ) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// Why a request has no answer.
public enum ControlError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No such node is in view. Nothing was sent.
    case unknownNode
    /// No such node is in view, and this one has not been there long enough to know of all. Nothing was sent.
    case notYetInView
    /// The broker did not take the request. Nothing was sent.
    case unavailable
    /// The node does not hear anything: it has died, or its link to the broker is down. Nobody is known to have got the
    /// request; in a Redis Cluster that fails over somebody may have, by a replica.
    case deaf
    /// Too many requests wait for answers here. Nothing was sent.
    case overloaded
    /// The request is above ``ControlBounds/messageBytes``. Nothing was sent.
    case tooLarge
    /// No answer came in time: the node may have done it.
    case timeout
    /// The node went, or this one stops: it may have been done.
    case gone
    /// The node answered, but not that it did it.
    case refused(ControlStatus)

    public var description: String {
        switch self {
        case .unknownNode: "no such node"
        case .notYetInView: "this node has just come and may not know of all others yet"
        case .unavailable: "broker is not available"
        case .deaf: "the node can't be reached"
        case .overloaded: "too many requests wait for other nodes"
        case .tooLarge: "request is larger than \(ControlBounds.messageBytes) bytes"
        case .timeout: "the node did not answer in time"
        case .gone: "the node has stopped"
        case .refused(.unknownCommand): "the node does not know this command: it is of an older version"
        case .refused(.busy): "the node is busy"
        case .refused(let status): "the node refused with status \(status.rawValue)"
        }
    }
}
