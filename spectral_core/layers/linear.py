"""A fully connected layer in spectral variables: eigenvalues λ and eigenvectors φ (Sec. II)."""

import math
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.spectrum import Spectrum, Trainable, spectrum_of

StartingRange = tuple[float, float] | Literal["glorot"]
"""(low, high) of a uniform start; or ``"glorot"``, which depends on the layer's widths."""


class SpectralLinear(nn.Module):
    r"""Linear map between two layers, parametrised by its transfer operator's spectrum.

    The operator that carries layer k to layer k+1 is A = Φ Λ (2I − Φ), with Φ the identity plus
    a sub-diagonal block φ. Its only non-zero off-diagonal block holds the weights

    .. math:: w_{ij} = (\lambda_j - \lambda_i)\, \phi_{ij} \qquad \text{(Eq. 2)}

    where :math:`\lambda_j` belongs to the departure node j and :math:`\lambda_i` to the arrival
    node i. In the paper's simplified setting :math:`\lambda_j = 0`, so that each arrival node has
    one eigenvalue and :math:`w_{ij} = -\lambda_i \phi_{ij}`.

    Args:
        in_features: number of departure nodes N_k, at least 0.
        out_features: number of arrival nodes N_{k+1}, at least 0.
        bias: whether each arrival node adds a bias; it starts at 0.
        input_eigenvalues: whether the departure nodes' eigenvalues are parameters too; if not,
            they are 0.
        eigenvector_range: (low, high) of the uniform distribution from which φ starts; or
            ``"glorot"`` for ±√(6 / (N_k + N_{k+1})), the start of plain weights (Glorot and
            Bengio 2010, Eq. 16).
        eigenvalue_range: (low, high) of the uniform distribution from which λ starts, departure
            nodes included.
        generator: source of the starting values, on the CPU; torch's default one if ``None``.
        device: where the parameters live; they are drawn on the CPU in any case, so that a seed
            means the same network everywhere.
        dtype: floating-point type of the parameters.

    Attributes:
        eigenvectors: φ, shape (out_features, in_features).
        eigenvalues: λ of the arrival nodes, shape (out_features,).
        input_eigenvalues: λ of the departure nodes, shape (in_features,), or ``None`` for 0.
        bias: shape (out_features,), or ``None``.

    Raises:
        TypeError, ValueError: if a size is not a whole number of at least 0, or a range is neither
            a pair (low, high) with low ≤ high nor, for φ, ``"glorot"``.
    """

    eigenvectors: nn.Parameter
    eigenvalues: nn.Parameter
    input_eigenvalues: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = False,
        *,
        input_eigenvalues: bool = False,
        eigenvector_range: StartingRange = (-0.2, 0.2),
        eigenvalue_range: tuple[float, float] = (-0.5, 0.5),
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        bias = _checks.flag("bias", bias)
        input_eigenvalues = _checks.flag("input_eigenvalues", input_eigenvalues)
        self.in_features = _checks.whole_number("in_features", in_features)
        self.out_features = _checks.whole_number("out_features", out_features)
        self.eigenvector_range = starting_range("eigenvector_range", eigenvector_range)
        self.eigenvalue_range = _checks.interval("eigenvalue_range", eigenvalue_range)

        def parameter(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape, device=device, dtype=dtype))

        self.eigenvectors = parameter(out_features, in_features)
        self.eigenvalues = parameter(out_features)
        self.register_parameter(
            "input_eigenvalues", parameter(in_features) if input_eigenvalues else None
        )
        self.register_parameter("bias", parameter(out_features) if bias else None)
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw φ, then λ, uniformly from the layer's starting ranges; set the bias to 0.

        Args:
            generator: source of the values, on the CPU; torch's default one if ``None``.
        """
        of_phi = self.eigenvector_range
        if of_phi == "glorot":
            bound = math.sqrt(6 / max(self.in_features + self.out_features, 1))
            of_phi = (-bound, bound)
        _fill_uniform(self.eigenvectors, of_phi, generator)
        _fill_uniform(self.eigenvalues, self.eigenvalue_range, generator)
        if self.input_eigenvalues is not None:
            _fill_uniform(self.input_eigenvalues, self.eigenvalue_range, generator)
        if self.bias is not None:
            self.bias.zero_()

    @property
    def weight(self) -> Tensor:
        """Weights in direct space, Eq. 2; shape (out_features, in_features)."""
        return self.spectrum.weight()

    @property
    def spectrum(self) -> Spectrum:
        """The layer's λ and φ, the departure nodes' λ included."""
        return Spectrum(self.eigenvalues, self.eigenvectors, self.input_eigenvalues)

    def forward(self, inputs: Tensor) -> Tensor:
        """Carry the activity of the departure nodes to the arrival nodes, Eq. 3.

        Args:
            inputs: activities x, shape (..., in_features).

        Returns:
            Activities before the activation function, shape (..., out_features).

        Raises:
            ValueError: if the last dimension of ``inputs`` is not ``in_features``.
        """
        if not isinstance(inputs, Tensor):
            raise TypeError(f"inputs must be a tensor; got {type(inputs).__name__}")
        if inputs.dim() == 0 or inputs.shape[-1] != self.in_features:
            raise ValueError(
                f"inputs must have shape (..., {self.in_features}); got {tuple(inputs.shape)}"
            )
        if self.input_eigenvalues is not None:
            return F.linear(inputs, self.weight, self.bias)
        # With λ_j = 0 the first sum of Eq. 3 vanishes: no weight matrix needs to be built.
        sums = F.linear(inputs, self.eigenvectors)  # (..., out_features); half as wide in autocast
        outputs = sums * -self.eigenvalues.to(sums.dtype)
        return outputs if self.bias is None else outputs + self.bias.to(sums.dtype)

    def train_only(self, which: Trainable) -> Self:
        """Let only the eigenvalues, only the eigenvectors, or both take gradients.

        The bias, if there is one, always trains. Frozen parameters have no gradient at all.

        Args:
            which: ``"eigenvalues"`` (λ, departure nodes' included), ``"eigenvectors"`` (φ) or
                ``"both"``.

        Returns:
            The layer itself.

        Raises:
            TypeError, ValueError: if ``which`` is none of the three.
        """
        self.spectrum.train_only(which)
        if self.bias is not None:
            self.bias.requires_grad_(True)
        return self

    def eigenvector_matrix(self) -> Tensor:
        """Φ: the identity with φ as its sub-diagonal block (Fig. 2), departure nodes first.

        Shape (in_features + out_features,) * 2.
        """
        phi = self.eigenvectors
        size = self.in_features + self.out_features
        identity = torch.eye(size, device=phi.device, dtype=phi.dtype)
        return identity + F.pad(phi, (0, self.out_features, self.in_features, 0))

    def eigenvalue_vector(self) -> Tensor:
        """Diagonal of Λ, departure nodes first; shape (in_features + out_features,)."""
        lam_in = self.input_eigenvalues
        if lam_in is None:
            lam_in = self.eigenvalues.new_zeros(self.in_features)
        return torch.cat([lam_in, self.eigenvalues])

    def transfer_operator(self) -> Tensor:
        """A = Φ Λ (2I − Φ), multiplied out (Sec. II); shape (in_features + out_features,) * 2.

        Its lower-left block of shape (out_features, in_features) is :attr:`weight`.
        """
        Phi = self.eigenvector_matrix()
        two = 2 * torch.eye(len(Phi), device=Phi.device, dtype=Phi.dtype)
        return Phi @ torch.diag(self.eigenvalue_vector()) @ (two - Phi)

    @torch.no_grad()
    def to_linear(self) -> nn.Linear:
        """Fold λ and φ into a plain layer with the very same weights (Eq. 2) and bias."""
        # Its own sizes follow: torch warns when it initialises an empty layer.
        linear = nn.Linear(1, 1, bias=self.bias is not None, device="meta")
        linear.in_features, linear.out_features = self.in_features, self.out_features
        trains = any(p is not None and p.requires_grad for p in self.spectrum)
        linear.weight = nn.Parameter(self.weight.clone(), requires_grad=trains)
        if self.bias is not None:
            linear.bias = nn.Parameter(self.bias.clone(), requires_grad=self.bias.requires_grad)
        return linear.train(self.training)

    @classmethod
    @torch.no_grad()
    def from_linear(cls, linear: nn.Linear) -> Self:
        """Write a plain layer in spectral variables: λ_i = −‖w_i‖₂ and φ_i = w_i / ‖w_i‖₂.

        The weights agree within 2 units in the last place, in float16 within more; a node without
        incoming weights gets λ_i = 0 and φ_i = 0. What is frozen stays so, and so does the mode,
        training or evaluation.

        Args:
            linear: layer with weights of shape (out_features, in_features).

        Raises:
            TypeError: if ``linear`` is not a ``torch.nn.Linear``.
        """
        if not isinstance(linear, nn.Linear):
            raise TypeError(f"linear must be a torch.nn.Linear; got {type(linear).__name__}")
        # On the meta device nothing is drawn, so no later draw changes.
        layer = cls(linear.in_features, linear.out_features, device="meta")
        lam, phi, _ = spectrum_of(linear.weight, "norm")
        trains = linear.weight.requires_grad
        layer.eigenvalues = nn.Parameter(lam, requires_grad=trains)
        layer.eigenvectors = nn.Parameter(phi.contiguous(), requires_grad=trains)
        if linear.bias is not None:
            layer.bias = nn.Parameter(linear.bias.clone(), requires_grad=linear.bias.requires_grad)
        return layer.train(linear.training)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, "
            f"input_eigenvalues={self.input_eigenvalues is not None}"
        )


def starting_range(name: str, value: object) -> StartingRange:
    """Return ``value`` if φ may start from it, a pair (low, high) or ``"glorot"``.

    Otherwise a ``TypeError`` or ``ValueError`` is raised.
    """
    if isinstance(value, str):
        if value != "glorot":
            raise ValueError(f"{name} must be a pair (low, high) or 'glorot'; got {value!r}")
        return "glorot"
    return _checks.interval(name, value)


def _fill_uniform(
    tensor: Tensor, bounds: tuple[float, float], generator: torch.Generator | None
) -> None:
    """Draw on the CPU, whatever the device, so that one seed is one network."""
    if not tensor.is_meta:
        drawn = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
        tensor.copy_(drawn.uniform_(*bounds, generator=generator))
