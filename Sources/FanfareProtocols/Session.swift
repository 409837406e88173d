import FanfareCore
import FanfareWire

/// What one client says and hears, in its protocol: messages and broker answers in, neutral actions out, no I/O and no clock.
///
/// A closed set, so that a client costs no existential and the compiler lists what a new protocol must fill in. One per client,
/// on its event loop.
public enum Session: Sendable {
    /// A payload in, a payload out, on one channel.
    case raw(RawSession)
    /// The Centrifuge client protocol, in either encoding.
    case centrifuge(CentrifugeSession)
    /// Socket.IO 5.
    case socketIO(Boxed<SocketIOSession>)
    /// STOMP 1.0, 1.1 and 1.2.
    case stomp(Boxed<STOMPSession>)
    /// MQTT 3.1.1 and 5.
    case mqtt(Boxed<MQTTSession>)
    /// GraphQL, in either subprotocol.
    case graphQL(Boxed<GraphQLSession>)
    /// Every message back to its sender: what conformance suites drive.
    case echo

    /// A command that came and may begin. Only its session knows what it says.
    public enum Command: Sendable {
        case centrifuge(CentrifugeCommand)
        case socketIO(SocketIOCommand)
        case stomp(STOMPRequest)
        case mqtt(MQTTRequest)
        case graphQL(GraphQLCommand)

        /// The rate to which it is held, besides that of all commands; `nil`: none.
        public var rate: ClientRate? {
            switch self {
            case .centrifuge(let command): command.rate
            case .socketIO(let command): command.rate
            case .stomp(let request): request.frame?.command == .subscribe ? .subscriptions : nil
            case .mqtt(let request): request.isFilter ? .subscriptions : nil
            case .graphQL(let command): command.rate
            }
        }

        /// Whether its message brought one before it, and was charged for that alone.
        public var isFurther: Bool {
            switch self {
            case .stomp(let request): !request.isFirst
            case .mqtt(let request): !request.isFirst
            case .centrifuge, .socketIO, .graphQL: false
            }
        }

        /// Whether it reads what can't be refused: its client is held back where it is too fast.
        public var isThrottledRead: Bool {
            switch self {
            case .stomp(let request): request.isReadOn
            case .mqtt(let request): request.isReadOn
            case .centrifuge, .socketIO, .graphQL: false
            }
        }

        /// What it counts as read at least, where it may be answered at once with something that does; `nil`: it may not.
        public var ownRead: ReadCost? { if case .graphQL(let command) = self { command.ownRead } else { nil } }

        /// Whether it publishes, and can't be refused without an end: its client is held back where it is too fast.
        public var isThrottledPublication: Bool {
            switch self {
            case .stomp(let request): request.frame?.command == .send
            case .mqtt(let request): request.isPublish
            case .centrifuge, .socketIO, .graphQL: false
            }
        }
    }

    /// What a message was.
    public enum Taken: Sendable {
        /// So many commands, which the session has in its queue.
        case commands(Int)
        /// Something that is done at once.
        case action(SessionAction)
    }

    /// What the next command may do.
    public enum Next: Sendable {
        /// Begin; it takes so many units of a ``Turn``.
        case perform(Command, weight: Int)
        /// It reads from the broker, and has to wait.
        case wait
        /// There is none.
        case none
        /// It can't be read: the client ends.
        case fail(SessionAction)
    }
}

extension Session {
    /// Changes a session of the Centrifuge protocol.
    ///
    /// - Parameter other: the answer of any other.
    mutating func centrifuge<Value>(or other: Value, _ body: (inout CentrifugeSession) -> Value) -> Value {
        guard case .centrifuge(var session) = self else { return other }
        // In place: while this holds it, too, each change would copy its arrays.
        self = .echo
        defer { self = .centrifuge(session) }
        return body(&session)
    }

    /// As ``centrifuge(or:_:)`` of a session of Socket.IO.
    mutating func socketIO<Value>(or other: Value, _ body: (inout SocketIOSession) -> Value) -> Value {
        guard case .socketIO(var session) = self else { return other }
        self = .echo
        defer { self = .socketIO(session) }
        return body(&session.value)
    }

    /// As ``centrifuge(or:_:)`` of a session of STOMP.
    mutating func stomp<Value>(or other: Value, _ body: (inout STOMPSession) -> Value) -> Value {
        guard case .stomp(var session) = self else { return other }
        self = .echo
        defer { self = .stomp(session) }
        return body(&session.value)
    }

    /// As ``centrifuge(or:_:)`` of a session of MQTT.
    mutating func mqtt<Value>(or other: Value, _ body: (inout MQTTSession) -> Value) -> Value {
        guard case .mqtt(var session) = self else { return other }
        self = .echo
        defer { self = .mqtt(session) }
        return body(&session.value)
    }

    /// As ``centrifuge(or:_:)`` of a session of GraphQL.
    mutating func graphQL<Value>(or other: Value, _ body: (inout GraphQLSession) -> Value) -> Value {
        guard case .graphQL(var session) = self else { return other }
        self = .echo
        defer { self = .graphQL(session) }
        return body(&session.value)
    }
}
