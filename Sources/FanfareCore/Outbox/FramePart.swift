/// What bytes that wait are of the frames in them: a frame whose head is one client's own waits in two pieces or more.
public enum FramePart: UInt8, Sendable {
    /// Whole frames.
    case whole
    /// The head of a frame whose rest comes next.
    case head
    /// More of the frame whose head came before.
    case rest
}
