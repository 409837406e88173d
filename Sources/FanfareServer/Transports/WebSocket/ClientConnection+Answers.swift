/// What the node owes a client and goes out one answer at a time.
extension ClientConnection {
    /// The last answer is with the kernel: the next may begin. May be called while the hub walks its subscribers.
    func answerTaken() {}
}
