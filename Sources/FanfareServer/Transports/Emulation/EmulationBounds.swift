/// All bounds of requests that bring messages to sessions. A session itself has the rates and queues of every client.
enum EmulationBounds {
    /// Bytes of messages of a session that came and are not begun, in messages of the largest size: about what the reader of a
    /// WebSocket holds. Their number is that of commands in one message (`--max-commands`). More: 429.
    static let waitingSizes = 2
    /// Requests of one session that this node has sent on and that have no answer yet. An SDK sends one a turn.
    static let requestsOfSession = 32
    /// The same of all sessions, and their bytes: a quarter of what the control bus takes, so that all else gets through.
    static let requests = 1_024
    static let requestBytes = 8_388_608
    /// Both of one node: one that does not answer leaves room for the others. Whoever makes up sessions meets no bound of a session.
    static let requestsOfNode = requests / 4
    static let bytesOfNode = requestBytes / 4
    /// Bytes of messages that an event loop has not looked at, and what each counts besides its own: 4,096 of them, some
    /// milliseconds.
    static let loopBytes = 4_194_304
    static let overhead = 1_024
    /// For another node to say that it has a message: less than SDKs wait for their answer (5 s).
    static let answerTime = Duration.seconds(3)
}
