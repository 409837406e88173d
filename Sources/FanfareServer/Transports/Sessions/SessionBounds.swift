import FanfareCore

/// All bounds of sessions that outlive their requests. Each is a client, with the places, rates and queues of every client.
enum SessionBounds {
    /// Bytes of a session's name: longer ids are none.
    static let nameBytes = 512
    /// Bodies of requests that wait for one session. A client sends one, and the next when that is answered.
    static let bodies = 4
    /// Their bytes, and those of one, in messages of the largest size.
    static let bodySizes = 2
    /// Sessions of one event loop that have ended and still say so, some 200 bytes each.
    static let ended = 4_096
    /// Requests of this node that wait for sessions on other nodes: half of what the control bus takes for everything. More get 503.
    static let abroad = ControlBounds.requests / 2
    /// Those of one address: eight addresses are needed to take them all.
    static let abroadOfAddress = abroad / 8
    /// Receivers among both: the rest is for bodies, which would else have to wait for as long as polls do.
    static let abroadReceivers = abroad * 3 / 4
    static let abroadReceiversOfAddress = abroadOfAddress * 3 / 4
    /// Requests of other nodes that wait here: half of what the control bus answers at a time. More are answered as busy.
    static let answering = ControlBounds.answering / 2
    /// Those of one node: one that asks a lot, or whose client does, leaves room for the others.
    static let answeringOfNode = answering / 2
    /// Receivers among both.
    static let answeringReceivers = answering * 3 / 4
    static let answeringReceiversOfNode = answeringOfNode * 3 / 4
    /// Searches for sessions that only other nodes can know, which all of them are asked for; more get 503.
    static let searches = 256
    /// Those of one address.
    static let searchesOfAddress = searches / 8
    /// For how long a receiver's search waits for the last node. A client wants its answer within 600 ms, and a node that does not answer
    /// may be in view for ten seconds; the bus looks at its deadlines four times a second.
    static let searchTime = Duration.milliseconds(250)
    /// The same for a body, which nothing else can be done with.
    static let sendSearchTime = Duration.seconds(2)
    /// How often a node that has just come looks whether it hears of a session's node, and the time between: it asks for all others when its
    /// channels are there, at most 200 ms after its links to Redis. Such waiting requests count as searches.
    static let newcomerLooks = 20
    static let newcomerPause = Duration.milliseconds(50)
    /// Sessions on other nodes of which a node remembers where they are, some 150 bytes each.
    static let routes = 16_384
    /// Bytes of messages in one answer to another node; more is above what nodes send each other.
    static let answerBytes = ControlBounds.messageBytes - 4_096
    /// For another node to say that the client has a body: a client that is above its rates has a while to wait.
    static let sendTime = Duration.seconds(30)
}
