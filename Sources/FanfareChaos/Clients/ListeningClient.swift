/// A client that listens to some channels and recovers, whatever it speaks. Belongs to the run's event loop.
protocol ListeningClient: AnyObject {
    var kind: ClientKind { get }
    /// Its number for the judge.
    var index: Int { get }
    /// The channels that it listens to.
    var listens: [Int] { get }
    /// Whether it has a connection with a session, or an answer.
    var isConnected: Bool { get }
    /// Whether it gets everything that it wants.
    var isWhole: Bool { get }
    /// Whether it went away by itself.
    var isAwayByWish: Bool { get }

    /// Looks at its deadlines; called several times a second.
    func step(_ now: Int64)

    /// Goes away by itself for that long, microseconds.
    ///
    /// - Parameter politely: with a farewell, where its protocol has one.
    func leave(for time: Int64, politely: Bool, now: Int64)

    /// Ends for good.
    func end()

    /// Publishes, if it can, and can now.
    func publish() -> Bool
}
