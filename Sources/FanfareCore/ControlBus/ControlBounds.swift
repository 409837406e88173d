/// All bounds of the control bus.
public enum ControlBounds {
    /// Bytes of a message with its fields: as much as the largest publication of a node with default limits.
    public static let messageBytes = 1_048_576
    /// Fields of a message that are looked at, four times as many as any has; each is looked for among the others.
    static let fields = 64
    /// Requests of this node that wait for answers. A request holds some 300 bytes until then, not its body.
    public static let requests = 4_096
    /// Requests of others that this node has not answered yet; more are answered as busy.
    public static let answering = 4_096
    /// Nodes in view. More than any cluster has; whoever could write into Redis could make up others.
    public static let nodes = 1_024
    /// Bytes of a node's name or version; longer ones are no announcement.
    public static let nameBytes = 255
    /// For how long an answer is waited for where nobody says otherwise: longer than a reconnect to Redis takes.
    public static let answerTime = Duration.seconds(5)
    /// Between two announcements of a node.
    public static let announceInterval = Duration.seconds(3)
    /// A node is gone when so many of our own announcements came back without one of its own. That is no clock: while Redis is
    /// away nothing comes back, and nobody is gone.
    public static let missedAnnouncements = 3
    /// Between two looks at whether nodes that owe an answer still hear anything, and how many of them in a row find that one does not
    /// until nobody waits for it any more. A node that died is found in two or three seconds; one whose link to Redis breaks for a
    /// moment is back by then.
    static let checkInterval = Duration.seconds(1)
    static let deafChecks = 2
    /// Between two tries to subscribe. The first one comes before the links to Redis are up, and a node that nobody hears takes no
    /// clients whose requests may come in elsewhere.
    public static let retry = Duration.milliseconds(200)
}
