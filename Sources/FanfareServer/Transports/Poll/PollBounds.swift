import FanfareCore

/// Bounds of polls that ask other nodes, and are asked.
enum PollBounds {
    /// Polls of a node that wait for other nodes: a quarter of what the control bus takes for everything. More get 503.
    static let abroad = ControlBounds.requests / 4
    /// Those of one address: eight addresses are needed to take them all.
    static let abroadOfAddress = abroad / 8
    /// Polls of other nodes that wait here: half of what the control bus answers at a time, so that its other commands always have
    /// room. More are answered as busy.
    static let answering = ControlBounds.answering / 2
}
