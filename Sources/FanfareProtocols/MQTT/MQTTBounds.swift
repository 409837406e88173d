/// What one MQTT client may have or send at most. What an operator may want otherwise is in `Limits`.
public enum MQTTBounds {
    /// The largest remaining length: four bytes of seven bits (§2.1.4).
    static let remainingLength = 268_435_455
    /// User properties of a packet: those of a PUBLISH travel as tags, of which there are 32.
    static let userProperties = 64
    /// Topic filters of one SUBSCRIBE or UNSUBSCRIBE. A client has fewer channels.
    static let filters = 512
    /// Bytes of a client identifier. §3.1.3.1 asks for 23.
    static let clientIDBytes = 256
    /// Topic aliases that a client may have. Each keeps a channel's name.
    static let topicAliases: UInt16 = 16
    /// Publications of QoS 1 and 2 under way that a client of version 5 is told to have at most, ids that wait for PUBREL among them.
    static let receiveMaximum: UInt16 = 128
    /// Ids that wait for PUBREL, for clients of 3.1.1, which can't be told.
    static let unreleased = 4_096
    /// Messages with QoS 1 and 2 under way to a client at a time; its Receive Maximum may be smaller (§4.9).
    static let inFlight = 128
    /// Bytes of a reason string.
    static let reasonBytes = 256
    /// Bytes that a retained message has beside its payload and tags: head, topic and frame. They count against what a client may recover.
    static let messageBytes = 300
}
