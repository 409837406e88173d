/// What backends want done with clients of this loop.
extension LoopState {
    /// While there is more to do than a visit allows, what is posted waits for its turn: else each post brought a visit of its own.
    func commandsPosted() { if !commands.isBusy { visitCommands() } }

    /// Does as much of it as a visit goes; the rest comes after the sockets had their turn.
    func visitCommands() {
        commands.visit(directory) { [shard] in shard.members(of: $0) }
        if commands.isBusy { pass.ask() }
        flush()
    }
}
