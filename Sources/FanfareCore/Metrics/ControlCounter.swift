/// What the control bus counts; use `addShared`.
public enum ControlCounter: Int, CaseIterable, Sendable {
    /// Messages handed to the broker.
    case sent
    /// Messages that came, our own among them.
    case received
    /// Those that no node of this version wrote: a newer one, or somebody's hand.
    case unreadable
    /// Requests and notices with a command that this node does not know.
    case unknownCommands
    /// Requests of this node whose time ran out.
    case timeouts
    /// Messages that were not sent: too large, too many, no such node, no broker; and nodes beyond the bound of the view.
    case refused
    /// Announcements of another node with this node's id.
    case conflicts
    /// Gauge: nodes in view, this one among them.
    case nodes
}
